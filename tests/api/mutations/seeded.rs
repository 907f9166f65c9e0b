//! Chance that repeats itself: a failure under one seed is the same failure tomorrow.

/// Random numbers that are the same in every run (SplitMix64), so that a failure repeats.
pub struct Seeded(pub u64);

impl Seeded {
    pub fn of(name: &str) -> Seeded {
        let mut seeded = Seeded(20_270_111);
        for byte in name.bytes() {
            seeded.0 ^= u64::from(byte);
            seeded.next();
        }
        seeded
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[usize::try_from(self.next() % items.len() as u64).unwrap()]
    }
}
