//! What values cost in memory, as the kernel counts the pages of this program: rounding of the allocator is in.

/// Resident bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux says");
    let pages: usize = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4_096
}

/// Bytes that one more of many costs; the first hundreds are not counted, because they fill what lies free.
pub fn cost_of_each<T>(mut make: impl FnMut() -> T) -> usize {
    const COUNTED: usize = 1_000;
    let mut kept: Vec<T> = Vec::with_capacity(COUNTED * 2);
    kept.extend((0..COUNTED).map(|_| make()));
    let before = resident();
    kept.extend((0..COUNTED).map(|_| make()));
    let after = resident();
    after.saturating_sub(before) / COUNTED
}
