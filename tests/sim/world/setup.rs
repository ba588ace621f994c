//! The exchange of the simulation: one trunk that calls, three carriers behind one group, one of them broken.

use super::chance::Chance;
use offhook::domain::switchboard::interface::Exchange;
use offhook::edge::config;
use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

pub const OFFHOOK: &str = "10.0.0.1:5060";
/// Carriers: address, and whether nothing ever succeeds there.
pub const CALLEES: &[(&str, bool)] = &[("10.2.0.1:5060", false), ("10.2.0.2:5060", true), ("10.2.0.3:5060", false)];

/// What the wall clock shows when a simulation begins.
pub const EPOCH: Duration = Duration::from_secs(1_800_000_000);

const PROFILE: &str = include_str!("profile.toml");
const DIALPLAN: &str = include_str!("dialplan.toml");

/// Read from TOML like every other: what the simulation runs is what an operator could write.
pub fn exchange() -> Exchange {
    static READ: OnceLock<Exchange> = OnceLock::new();
    READ.get_or_init(read).clone()
}

fn read() -> Exchange {
    read_files("world", &[("offhook.toml", ""), ("sip-profiles/sim.toml", PROFILE), ("dialplans/sim.toml", DIALPLAN)])
}

/// The exchange that these files describe; `name` tells it from others of the same process.
pub fn read_files(name: &str, files: &[(&str, &str)]) -> Exchange {
    let thread = std::thread::current();
    let of = thread.name().unwrap_or_default().replace("::", "-");
    let folder = std::env::temp_dir().join(format!("offhook-sim-{}-{name}-{of}", std::process::id()));
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let read = config::read(&folder, std::iter::empty());
    read.unwrap_or_else(|faults| panic!("{}", faults.iter().map(|f| format!("{f}\n")).collect::<String>()))
        .exchange
        .as_ref()
        .clone()
}

/// What a simulated caller dials.
pub fn dialled(chance: &mut Chance) -> String {
    match chance.below(10) {
        0 => "+819012345678".to_owned(),
        1 => "+815099999999".to_owned(),
        2 => "0312345678".to_owned(),
        _ => format!("+8150123{:05}", chance.below(100_000)),
    }
}
