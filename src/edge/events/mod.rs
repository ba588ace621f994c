//! What happens, numbered and kept for whoever follows it: a bounded queue, a thread that numbers and writes, the newest in
//! memory, more on disk. Nobody who tells waits for it, and nobody who follows is waited for.

pub mod file;
pub mod log;
pub mod tell;
pub mod wire;

pub use self::log::EventLog;
