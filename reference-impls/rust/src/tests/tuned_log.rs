use bytes::Bytes;

use super::random::Random;
use crate::connection::log::Log;

fn bytes(log: &mut Log, from: u64, to: u64) -> Vec<u8> {
    let mut pieces = Vec::new();
    log.refer(from, to, usize::MAX, &mut pieces);
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    pieces.concat()
}

#[test]
fn any_part_of_a_log_is_what_was_appended() {
    for seed in 1..=20 {
        let (mut random, mut log) = (Random::new(seed), Log::default());
        let (mut all, mut kept) = (Vec::new(), 0);
        for _ in 0..500 {
            match random.below(4) {
                0 | 1 => {
                    let longest = if random.below(20) == 0 { 100_000 } else { 2_000 };
                    let frame = vec![random.below(256) as u8; random.below(longest)];
                    log.append(&frame);
                    all.extend(frame);
                }
                2 if kept < all.len() => {
                    let from = kept + random.below(all.len() - kept);
                    let to = from + 1 + random.below(all.len() - from);
                    assert_eq!(bytes(&mut log, from as u64, to as u64), &all[from..to]);
                }
                _ => {
                    kept += random.below(all.len() - kept + 1);
                    log.trim(kept as u64);
                }
            }
            assert_eq!(log.end(), all.len() as u64);
        }
    }
}

#[test]
fn what_is_referred_to_outlives_a_trim() {
    let (mut log, mut pieces) = (Log::default(), Vec::new());
    log.append(b"onetwo");
    log.refer(0, 3, 1, &mut pieces);
    log.trim(6);
    assert!(log.is_empty());
    log.append(b"three");
    assert_eq!(pieces, [Bytes::from_static(b"one")]);
    assert_eq!(bytes(&mut log, 6, 11), b"three");
}

#[test]
fn no_more_pieces_than_asked_for() {
    let (mut log, mut pieces) = (Log::default(), Vec::new());
    for at in 0..10 {
        log.append(b"x");
        bytes(&mut log, at, at + 1);
    }
    log.refer(2, 10, 3, &mut pieces);
    assert_eq!(pieces.concat(), b"xxx");
}
