//! Asks the allocator to give memory back soon after calls have ended. Allocates nothing itself.

use tikv_jemalloc_ctl::{Access, AsName, background_thread};

/// How long free pages are kept for reuse.
const KEPT_MS: isize = 1_000;

/// Free pages of now and of arenas to come go back after `KEPT_MS`, by a thread of the allocator's own: without it they
/// would only go when somebody allocates, which nobody does in a quiet night.
pub fn give_back_early() {
    let settled = b"arenas.dirty_decay_ms\0"
        .name()
        .write(KEPT_MS)
        .and_then(|()| b"arena.0.dirty_decay_ms\0".name().write(KEPT_MS))
        .and_then(|()| background_thread::write(true));
    if let Err(error) = settled {
        tracing::debug!(%error, "the allocator keeps its own time for giving memory back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocator_takes_the_wish() {
        give_back_early();
        let kept: Result<isize, _> = b"arenas.dirty_decay_ms\0".name().read();
        assert_eq!(kept.ok(), Some(KEPT_MS));
    }
}
