//! Sphinx's binary `mdef`, as far as it says which phone each state belongs to.
//!
//! ```text
//! "BMDF" │ version │ description │ 10 counts │ names of phones │ tree │ phones │ sequences of states
//! ```
//!
//! The format is told by the description in every such file. A state is shared by phones in several contexts, but only by
//! those of one base phone: in `ptm` models, that phone's codebook is the state's.

use super::bytes::Bytes;

const MAGIC: &[u8] = b"BMDF";
/// Bytes of a node of the tree.
const NODE: usize = 8;
/// The model that ships has a hundredth of it; a count above it is a damaged file, not a request for memory.
const MOST: usize = 1 << 24;

/// The base phone of each state, or `None` where this is no whole `mdef`.
pub(super) fn phones_of_states(file: &[u8]) -> Option<Vec<usize>> {
    let mut file = Bytes(file.strip_prefix(MAGIC)?);
    let _version = file.u32()?;
    let description = file.count()?;
    file.take(description)?;
    let mut count = || file.count().filter(|&count| count <= MOST);
    let [bases, phones, states_of_phone, _base_states, states] = [count()?, count()?, count()?, count()?, count()?];
    let [_transitions, sequences, _context, nodes, _silence] = [count()?, count()?, count()?, count()?, count()?];
    let mut names = 0;
    for _ in 0..bases {
        names += file.0.get(names..)?.iter().position(|&byte| byte == 0)? + 1;
    }
    file.take(names.next_multiple_of(4))?;
    file.take(nodes * NODE)?;
    let mut sequence_of = Vec::new();
    for phone in 0..phones {
        let (sequence, _transition) = (file.count()?, file.u32()?);
        let &[_place, base, _left, _right] = file.take(4)? else { return None };
        sequence_of.push((sequence, if phone < bases { phone } else { usize::from(base) }));
    }
    let _numbers = file.u32()?;
    let numbers = (0..sequences * states_of_phone).map(|_| file.u16().map(usize::from)).collect::<Option<Vec<_>>>()?;
    let mut owners = vec![None; states];
    for (sequence, base) in sequence_of {
        for &state in numbers.get(sequence * states_of_phone..(sequence + 1) * states_of_phone)? {
            let owner = owners.get_mut(state)?;
            if base >= bases || owner.is_some_and(|other| other != base) {
                return None;
            }
            *owner = Some(base);
        }
    }
    owners.into_iter().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two base phones and one in context, of one state each: states 0 and 2 belong to the first phone.
    pub(in super::super) fn small() -> Vec<u8> {
        let numbers = |list: &[u32]| list.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
        let phone = |sequence: u32, attributes: [u8; 4]| [&numbers(&[sequence, 0])[..], &attributes].concat();
        [
            MAGIC,
            &numbers(&[1, 2]),
            b"hi",
            &numbers(&[2, 3, 1, 2, 3, 1, 3, 3, 1, 0]),
            b"A\0BB\0\0\0\0",
            &[0; NODE],
            &phone(0, [0; 4]),
            &phone(1, [0; 4]),
            &phone(2, [1, 0, 1, 1]),
            &numbers(&[3]),
            &[0, 0, 1, 0, 2, 0],
        ]
        .concat()
    }

    #[test]
    fn a_state_belongs_to_the_phone_whose_sequences_hold_it() {
        assert_eq!(phones_of_states(&small()), Some(vec![0, 1, 0]));
    }

    #[test]
    fn a_state_of_two_phones_is_refused() {
        let mut file = small();
        let place = file.len() - 2;
        file[place] = 1;
        assert_eq!(phones_of_states(&file), None);
    }

    proptest! {
        #[test]
        fn no_damaged_file_panics(cut in 0usize..120, at in 0usize..120, byte: u8) {
            let mut file = small();
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
            file.truncate(cut);
            let _ = phones_of_states(&file);
        }
    }
}
