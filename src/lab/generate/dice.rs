//! Chance that is the same each time: SplitMix64, seeded by a number and the name of what it decides.
//!
//! Each part of a world throws dice of its own, so that more pods do not make other bindings. A new way to choose is a
//! method here.

/// Numbers that look thrown and follow from the seed.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of one part of a world.
    pub(super) fn new(seed: u64, part: &str) -> Dice {
        // FNV-1a, which tells the few names apart that are used here.
        let part = part.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ part)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..n`; 0 if there is nothing to choose from.
    pub(super) fn below(&mut self, n: usize) -> usize {
        // The upper half of the product is below n, so it fits.
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// Does it happen, at so many times in a hundred?
    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of them, if there are any.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// `0..n` in any order.
    pub(super) fn order(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }

    /// A text of so many of these letters.
    pub(super) fn letters(&mut self, of: &str, length: usize) -> String {
        let of: Vec<char> = of.chars().collect();
        (0..length).filter_map(|_| self.pick(&of)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_and_parts_differ() {
        let throw = |seed, part| {
            let mut dice = Dice::new(seed, part);
            (0..8).map(|_| dice.below(1_000_000)).collect::<Vec<_>>()
        };
        assert_eq!(throw(7, "pods"), throw(7, "pods"));
        assert_ne!(throw(7, "pods"), throw(8, "pods"));
        assert_ne!(throw(7, "pods"), throw(7, "nodes"));
    }

    #[test]
    fn an_order_holds_each_once_and_nothing_is_no_choice() {
        let mut dice = Dice::new(1, "order");
        let mut order = dice.order(50);
        assert_ne!(order, (0..50).collect::<Vec<_>>());
        order.sort();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
        assert_eq!((dice.below(0), dice.pick::<u8>(&[]), dice.order(0).len()), (0, None, 0));
    }
}
