// Command authenticator runs the server of aws-iam-authenticator, unchanged, and asks it who sessions are under given
// aws-auth ConfigMaps.
//
// It decides nothing about ConfigMaps, ARNs or templates. Around the server stand three stand-ins: an API server that
// has one ConfigMap, which the server watches; STS, which names the signer of a token; and EC2, which knows instances. The
// server listens on loopback only and gets TokenReviews over TLS, as from kube-apiserver.
//
// Usage: each line of stdin is a question, each line of stdout its answer, in the same order; the end of stdin ends it.
// The first line of stdout is {"version": "v0.7.18"}.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	authenticationv1beta1 "k8s.io/api/authentication/v1beta1"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper"
	"sigs.k8s.io/aws-iam-authenticator/pkg/metrics"
	"sigs.k8s.io/aws-iam-authenticator/pkg/server"
)

const (
	module  = "sigs.k8s.io/aws-iam-authenticator"
	cluster = "oracle"
	// How long one step of the server may take.
	patience = 30 * time.Second
)

// A Question is a ConfigMap and the sessions to ask about under it.
type Question struct {
	// The data of aws-auth; null if there is no such ConfigMap.
	Data     map[string]string `json:"data"`
	Sessions []Session         `json:"sessions"`
}

// A Session is what STS says about the signer of a token.
type Session struct {
	Arn     string `json:"arn"`
	Account string `json:"account"`
	UserID  string `json:"userId"`
	// The access key that signed the token.
	AccessKeyID string `json:"accessKeyId"`
	// The STS endpoint that the token is for.
	Host string `json:"host"`
	// The private DNS name of the instance that the session is named after, if EC2 knows it. Must not change.
	PrivateDNSName string `json:"privateDnsName"`
	// How often to ask; answers that differ are all given.
	Times int `json:"times"`
}

// An Answer has, for each session, the distinct answers of the server.
type Answer struct {
	Sessions [][]Identity `json:"sessions"`
	// What the server logged about the ConfigMap.
	Log []string `json:"log"`
}

// An Identity is who a session is for Kubernetes, or why it is nobody.
type Identity struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
	Denied   string   `json:"denied,omitempty"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "oracle: authenticator:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	state, err := os.MkdirTemp("", "eksplorer-authenticator-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(state) }()
	logs := newLogs()
	kubernetes := &kubernetes{events: make(chan []byte)}
	aws := &aws{names: make(map[string]string)}
	client, address, err := start(state, logs, kubernetes, aws)
	if err != nil {
		return err
	}
	answers := bufio.NewWriter(out)
	encoder := json.NewEncoder(answers)
	if err := encoder.Encode(map[string]string{"version": version()}); err != nil {
		return err
	}
	if err := answers.Flush(); err != nil {
		return err
	}
	questions := json.NewDecoder(bufio.NewReader(in))
	for {
		var question Question
		if err := questions.Decode(&question); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("a question: %w", err)
		}
		answer := Answer{Sessions: make([][]Identity, 0, len(question.Sessions))}
		if answer.Log, err = kubernetes.put(question.Data, logs); err != nil {
			return err
		}
		for _, session := range question.Sessions {
			aws.tell(session)
			identities, err := review(client, address, session, logs)
			if err != nil {
				return err
			}
			answer.Sessions = append(answer.Sessions, identities)
		}
		if err := encoder.Encode(answer); err != nil {
			return err
		}
		if err := answers.Flush(); err != nil {
			return err
		}
	}
}

// The version of the module that was built in.
func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, it := range info.Deps {
		if it.Path == module {
			return it.Version
		}
	}
	return "of an unknown version"
}

// Starts the stand-ins and the server; gives the client and the address to review tokens with.
func start(state string, logs *logs, kubernetes *kubernetes, aws *aws) (*http.Client, string, error) {
	master, err := serve(kubernetes)
	if err != nil {
		return nil, "", err
	}
	ec2, err := serve(http.HandlerFunc(aws.describeInstances))
	if err != nil {
		return nil, "", err
	}
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_ENDPOINT_URL_EC2":        ec2,
		"AWS_REGION":                  "us-east-1",
		"AWS_ACCESS_KEY_ID":           "AKIANONE",
		"AWS_SECRET_ACCESS_KEY":       "none",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_PROFILE":                 "",
		"AWS_SESSION_TOKEN":           "",
		"HTTP_PROXY":                  "",
		"HTTPS_PROXY":                 "",
		"NO_PROXY":                    "*",
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, "", err
		}
	}
	// The verifier asks STS through the default transport; so does the client of Kubernetes its stand-in.
	loopback := http.DefaultTransport
	http.DefaultTransport = roundTripper(func(request *http.Request) (*http.Response, error) {
		if strings.HasPrefix(request.URL.Host, "127.0.0.1:") {
			return loopback.RoundTrip(request)
		}
		return aws.callerIdentity(request)
	})

	metrics.InitMetrics(prometheus.NewRegistry())
	authenticator := server.New(context.Background(), config.Config{
		ClusterID:              cluster,
		PartitionID:            "aws",
		Address:                "127.0.0.1",
		Hostname:               "127.0.0.1",
		HostPort:               0,
		HealthPort:             -1, // No such port: the health endpoint would listen on all addresses.
		StateDir:               state,
		KubeconfigPregenerated: true,
		Master:                 master,
		BackendMode:            []string{mapper.ModeEKSConfigMap},
	})
	go authenticator.Run(make(chan struct{}))
	address := ""
	for _, entry := range logs.take() {
		if found, ok := strings.CutPrefix(entry.Message, "listening on "); ok {
			address = found
		}
	}
	if address == "" {
		return nil, "", errors.New("the server did not say where it listens")
	}
	// The server signs its own certificate, a new one each time.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec
	return &http.Client{Transport: transport, Timeout: patience}, "https://" + address + "/authenticate", nil
}

// Serves on a free port of loopback.
func serve(handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, handler) }() //nolint:gosec
	return "http://" + listener.Addr().String(), nil
}

// Asks the server for the identity behind a token, as kube-apiserver does.
func review(client *http.Client, address string, session Session, logs *logs) ([]Identity, error) {
	query := url.Values{
		"Action":              {"GetCallerIdentity"},
		"Version":             {"2011-06-15"},
		"X-Amz-Algorithm":     {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential":    {session.AccessKeyID + "/20260101/us-east-1/sts/aws4_request"},
		"X-Amz-Date":          {time.Now().UTC().Format("20060102T150405Z")},
		"X-Amz-Expires":       {"60"},
		"X-Amz-SignedHeaders": {"host;x-k8s-aws-id"},
		"X-Amz-Signature":     {"none"},
	}
	signed := "https://" + session.Host + "/?" + query.Encode()
	token := "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(signed))
	body, err := json.Marshal(authenticationv1beta1.TokenReview{Spec: authenticationv1beta1.TokenReviewSpec{Token: token}})
	if err != nil {
		return nil, err
	}
	var distinct []Identity
	seen := make(map[string]bool)
	for range max(1, session.Times) {
		logs.take()
		response, err := client.Post(address, "application/json", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		var answer authenticationv1beta1.TokenReview
		err = json.NewDecoder(response.Body).Decode(&answer)
		_ = response.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("an answer with status %s: %w", response.Status, err)
		}
		identity := Identity{Username: answer.Status.User.Username, Groups: answer.Status.User.Groups}
		if identity.Groups == nil {
			identity.Groups = []string{}
		}
		if !answer.Status.Authenticated {
			identity.Denied = "denied"
			for _, entry := range logs.take() {
				if why, ok := entry.Data[logrus.ErrorKey]; ok && entry.Message == "access denied" {
					identity.Denied = fmt.Sprint(why)
				}
			}
		}
		key, err := json.Marshal(identity)
		if err != nil {
			return nil, err
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			distinct = append(distinct, identity)
		}
	}
	return distinct, nil
}

// The API server that the authenticator watches aws-auth on.
type kubernetes struct {
	events chan []byte
}

func (k *kubernetes) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/api/v1/namespaces/kube-system/configmaps" || request.URL.Query().Get("watch") == "" {
		http.NotFound(w, request)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	flusher, ok := w.(http.Flusher)
	if !ok {
		return
	}
	flusher.Flush()
	for {
		select {
		case event := <-k.events:
			if _, err := w.Write(event); err != nil {
				return
			}
			flusher.Flush()
		case <-request.Context().Done():
			return
		}
	}
}

// Changes the ConfigMap, waits until the server has taken it in, and gives what the server logged about it.
func (k *kubernetes) put(data map[string]string, logs *logs) ([]string, error) {
	logs.take()
	object := map[string]any{
		"kind": "ConfigMap", "apiVersion": "v1",
		"metadata": map[string]string{"name": "aws-auth", "namespace": "kube-system"},
		"data":     data,
	}
	kind := "MODIFIED"
	if data == nil {
		kind = "DELETED"
	}
	// Events are taken in one after the other, and an error is logged: by then the one before it is in.
	barrier := map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "BadRequest", "code": 400}
	for _, event := range []map[string]any{{"type": kind, "object": object}, {"type": "ERROR", "object": barrier}} {
		line, err := json.Marshal(event)
		if err != nil {
			return nil, err
		}
		select {
		case k.events <- append(line, '\n'):
		case <-time.After(patience):
			return nil, errors.New("the server does not watch aws-auth")
		}
	}
	var said []string
	timeout := time.After(patience)
	for {
		for _, entry := range logs.take() {
			if entry.Message == "received a watch error" {
				return said, nil
			}
			if why, ok := strings.CutPrefix(entry.Message, "error parsing config map: "); ok {
				said = append(said, why)
			}
		}
		select {
		case <-logs.news:
		case <-timeout:
			return nil, errors.New("the server did not take aws-auth in")
		}
	}
}

// STS and EC2.
type aws struct {
	mutex   sync.Mutex
	session Session
	names   map[string]string
}

// Sets the signer of the tokens that follow.
func (a *aws) tell(session Session) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.session = session
	if session.PrivateDNSName != "" {
		a.names[session.Arn[strings.LastIndex(session.Arn, "/")+1:]] = session.PrivateDNSName
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

// GetCallerIdentity.
func (a *aws) callerIdentity(request *http.Request) (*http.Response, error) {
	if request.URL.Query().Get("Action") != "GetCallerIdentity" || request.Header.Get("x-k8s-aws-id") != cluster {
		return nil, fmt.Errorf("not to be asked here: %s", request.URL.Host)
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	result := map[string]string{"Account": a.session.Account, "Arn": a.session.Arn, "UserId": a.session.UserID}
	body, err := json.Marshal(map[string]any{"GetCallerIdentityResponse": map[string]any{"GetCallerIdentityResult": result}})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// DescribeInstances.
func (a *aws) describeInstances(w http.ResponseWriter, request *http.Request) {
	type instance struct {
		ID   string `xml:"instanceId"`
		Name string `xml:"privateDnsName"`
	}
	type response struct {
		XMLName   xml.Name   `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeInstancesResponse"`
		Instances []instance `xml:"reservationSet>item>instancesSet>item"`
	}
	if err := request.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	var found []instance
	for name, ids := range request.Form {
		if !strings.HasPrefix(name, "InstanceId.") {
			continue
		}
		if known, ok := a.names[ids[0]]; ok {
			found = append(found, instance{ids[0], known})
		}
	}
	w.Header().Set("Content-Type", "text/xml")
	if len(found) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>"+
			"<Message>The instance ID does not exist</Message></Error></Errors><RequestID>none</RequestID></Response>")
		return
	}
	_ = xml.NewEncoder(w).Encode(response{Instances: found})
}

// What the server logs, kept until it is taken.
type logs struct {
	mutex   sync.Mutex
	entries []*logrus.Entry
	// Has an item when there may be something to take.
	news chan struct{}
}

func newLogs() *logs {
	it := &logs{news: make(chan struct{}, 1)}
	logrus.SetOutput(io.Discard)
	logrus.AddHook(it)
	return it
}

// Levels is all of them.
func (l *logs) Levels() []logrus.Level { return logrus.AllLevels }

// Fire keeps an entry.
func (l *logs) Fire(entry *logrus.Entry) error {
	if entry.Level <= logrus.FatalLevel {
		fmt.Fprintln(os.Stderr, "oracle: authenticator:", entry.Message, entry.Data[logrus.ErrorKey])
	}
	kept := &logrus.Entry{Message: entry.Message, Level: entry.Level, Data: entry.Data}
	l.mutex.Lock()
	l.entries = append(l.entries, kept)
	l.mutex.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
	return nil
}

func (l *logs) take() []*logrus.Entry {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	taken := l.entries
	l.entries = nil
	return taken
}
