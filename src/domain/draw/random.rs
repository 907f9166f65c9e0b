//! The stream of random numbers of a draw, fixed down to the byte. What a newcomer would get wrong: the sampling
//! functions of the rand crates may change between versions, and then no old draw would replay; only the ChaCha20
//! keystream itself, which RFC 8439 fixes, is taken from them.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::error::{Error, Result};

/// The keystream of one seed.
pub(in crate::domain) struct Stream(ChaCha20Rng);

impl Stream {
    pub(in crate::domain) fn new(seed: &[u8; 32]) -> Stream {
        Stream(ChaCha20Rng::from_seed(*seed))
    }

    /// A number below `bound`, each equally likely: words beyond the last full multiple of `bound` are thrown away.
    pub(in crate::domain) fn below(&mut self, bound: usize) -> Result<usize> {
        let bound = u32::try_from(bound).map_err(Error::internal)?;
        let words = 1_u64 << 32;
        let excess =
            words.checked_rem(u64::from(bound)).ok_or_else(|| Error::internal("draw: nothing to choose from"))?;
        loop {
            let word = self.0.next_u32();
            if u64::from(word) < words - excess {
                return usize::try_from(word % bound).map_err(Error::internal);
            }
        }
    }

    /// Fisher and Yates, from the last place down.
    pub(in crate::domain) fn shuffle<T>(&mut self, list: &mut [T]) -> Result<()> {
        for last in (1..list.len()).rev() {
            let other = self.below(last + 1)?;
            list.swap(last, other);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_keystream_of_rfc_8439() {
        // Appendix A.1, test vectors 1 and 2: key and nonce zero, block counters 0 and 1.
        let mut stream = Stream::new(&[0; 32]);
        let words: Vec<u32> = (0..17).map(|_| stream.0.next_u32()).collect();
        assert_eq!(words[..4], [0xade0_b876, 0x903d_f1a0, 0xe56a_5d40, 0x28bd_8653]);
        assert_eq!(words[15..], [0x8665_eeb2, 0xbee7_079f]);
    }

    #[test]
    fn nothing_can_be_chosen_from_nothing() {
        assert!(Stream::new(&[0; 32]).below(0).is_err());
        assert_eq!(Stream::new(&[0; 32]).below(1).unwrap(), 0);
    }

    #[test]
    fn words_beyond_the_last_full_multiple_are_thrown_away() {
        // The first word is 0xade0b876. For a bound just above 2^31 only words below it are kept.
        let bound = (1_usize << 31) + 1;
        let mut stream = Stream::new(&[0; 32]);
        assert_eq!(stream.below(bound).unwrap(), 0x28bd_8653);
    }

    #[test]
    fn numbers_below_a_bound_are_equally_likely() {
        let mut stream = Stream::new(&[7; 32]);
        let mut counts = [0_i64; 7];
        for _ in 0..70_000 {
            counts[stream.below(7).unwrap()] += 1;
        }
        let chi_square: i64 = counts.iter().map(|count| (count - 10_000).pow(2)).sum::<i64>() / 10_000;
        assert!(chi_square < 23, "0.1 % point of chi-square with 6 degrees of freedom is 22.5: {counts:?}");
    }

    #[test]
    fn a_shuffle_keeps_every_element() {
        let mut list: Vec<u32> = (0..100).collect();
        Stream::new(&[1; 32]).shuffle(&mut list).unwrap();
        assert_ne!(list, (0..100).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..100).collect::<Vec<_>>());
    }
}
