//! Tables and laws of the engine.
