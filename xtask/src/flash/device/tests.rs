//! Cases counted by hand: erase blocks of eight pages, a page being 100 bytes, so that 800 bytes are a block.

use super::*;

const PAGE: u64 = 100;

fn device(mapping: Mapping, open_blocks: usize) -> Device {
    Device {
        mapping,
        erase_block_bytes: 8 * PAGE,
        page_bytes: PAGE,
        open_blocks,
        program_bytes_per_s: 100.0,
        read_bytes_per_s: 200.0,
        erase_s: 2.0,
        command_s: 0.5,
        command_bytes: 300,
    }
}

/// Pages programmed, pages copied, erases.
fn cost(mapping: Mapping, open_blocks: usize, writes: &[(u64, u64)]) -> (u64, u64, u64) {
    let mut stick = Stick::new(device(mapping, open_blocks));
    for (offset, len) in writes {
        stick.write(*offset, *len);
    }
    let usage = stick.finish();
    (
        usage.programmed_bytes / PAGE,
        usage.copied_bytes / PAGE,
        usage.erases,
    )
}

const BOTH: [Mapping; 2] = [Mapping::Linear, Mapping::Log];

#[test]
fn one_ascending_pass_costs_itself() {
    for mapping in BOTH {
        // Three blocks at once, and the same in small parts that do not respect pages.
        assert_eq!(cost(mapping, 1, &[(0, 2400)]), (24, 0, 3));
        let parts: Vec<_> = (0..48).map(|n| (n * 50, 50)).collect();
        assert_eq!(cost(mapping, 1, &parts), (24, 0, 3));
        let odd: Vec<_> = (0..80).map(|n| (n * 30, 30)).collect();
        assert_eq!(cost(mapping, 1, &odd), (24, 0, 3));
    }
}

#[test]
fn empty_pages_are_passed_over_for_nothing() {
    for mapping in BOTH {
        assert_eq!(cost(mapping, 1, &[(0, 100), (500, 100)]), (2, 0, 1));
    }
}

#[test]
fn another_pass_costs_the_same() {
    for mapping in BOTH {
        assert_eq!(cost(mapping, 1, &[(0, 800), (0, 800)]), (16, 0, 2));
    }
}

#[test]
fn one_page_of_a_full_block_copies_the_others() {
    // Linear: two before it, five behind it. The log's page is in order only if it is the first.
    assert_eq!(
        cost(Mapping::Linear, 1, &[(0, 800), (200, 100)]),
        (8 + 2 + 1 + 5, 7, 2)
    );
    // Log: the page is programmed, then all eight are copied into a third block.
    assert_eq!(cost(Mapping::Log, 1, &[(0, 800), (200, 100)]), (8 + 1 + 8, 8, 3));
    for mapping in BOTH {
        assert_eq!(cost(mapping, 1, &[(0, 800), (0, 100)]), (8 + 1 + 7, 7, 2));
    }
}

#[test]
fn a_page_again_and_again() {
    let writes = [(0, 800), (200, 100), (200, 100), (200, 100), (200, 100)];
    // Linear: each time the block is closed (five behind) and opened (two before).
    assert_eq!(cost(Mapping::Linear, 4, &writes), (8 + 4 * 8, 4 * 7, 5));
    // Log: four pages of the log, one merge.
    assert_eq!(cost(Mapping::Log, 4, &writes), (8 + 4 + 8, 8, 3));
    // A log that is full is merged: eight pages, then one more.
    let mut full = vec![(0, 800)];
    full.extend([(200, 100); 9]);
    assert_eq!(cost(Mapping::Log, 4, &full), (8 + 9 + 8 + 8, 16, 5));
}

#[test]
fn parts_of_pages_are_completed() {
    for mapping in BOTH {
        // The first half of the first page of a full block: seven others, and the old page is read.
        assert_eq!(cost(mapping, 1, &[(0, 800), (0, 50)]), (8 + 1 + 7, 8, 2));
    }
}

#[test]
fn more_blocks_in_turn_than_may_be_open() {
    // Two blocks in turn, page by page, on empty flash.
    let turns: Vec<_> = (0..8)
        .flat_map(|n| [(n * 100, 100), (800 + n * 100, 100)])
        .collect();
    for mapping in BOTH {
        assert_eq!(cost(mapping, 2, &turns), (16, 0, 2));
    }
    // One open block: each write closes the other, and copies what was there before: 0 to 7 pages in each block.
    assert_eq!(cost(Mapping::Linear, 1, &turns), (16 + 2 * 28, 2 * 28, 16));
}

#[test]
fn the_block_not_written_for_longest_is_closed() {
    // Blocks 0 and 1 are open; 0 is written again, so 2 closes 1, and going on in 0 is free.
    let writes = [(0, 100), (800, 100), (100, 100), (1600, 100), (200, 100)];
    assert_eq!(cost(Mapping::Linear, 2, &writes), (5, 0, 3));
    // Going on in 1 opens it again and copies its page.
    let writes = [(0, 100), (800, 100), (100, 100), (1600, 100), (900, 100)];
    assert_eq!(cost(Mapping::Linear, 2, &writes), (6, 1, 4));
}

#[test]
fn time_is_the_sum_of_its_parts() {
    let mut stick = Stick::new(device(Mapping::Linear, 1));
    stick.write(0, 800);
    stick.write(200, 100);
    let usage = stick.finish();
    assert_eq!(usage.sent_bytes, 900);
    // 800 bytes are three commands of at most 300.
    assert_eq!(usage.commands, 4);
    // 16 pages at 1 s, 7 read at 0.5 s, 2 erases at 2 s, 4 commands at 0.5 s.
    let seconds = usage.seconds(&device(Mapping::Linear, 1));
    assert!((seconds - (16.0 + 3.5 + 4.0 + 2.0)).abs() < 1e-9, "{seconds}");
}
