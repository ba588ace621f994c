//! Reads a configuration folder: every file and `OFFHOOK_*` variable, then all checks. Returns everything wrong at once.

use crate::domain::call::interface::Profiles;
use crate::domain::dialplan::Dialplan;
use crate::domain::profile::{Listener, Profile};
use crate::domain::queue::settings::Settings;
use crate::domain::routing::engine::Engines;
use crate::domain::switchboard::interface::Exchange;
use crate::domain::trunk::media::MediaRoute;
use crate::edge::config::Configuration;
use crate::edge::config::convert_daemon;
use crate::edge::config::convert_dialplan::{self, DialplanFile};
use crate::edge::config::convert_outbound;
use crate::edge::config::convert_phone::{self, NamedPhone};
use crate::edge::config::convert_profile::{self, NamedListener};
use crate::edge::config::convert_queue;
use crate::edge::config::convert_trunk::{self, NamedTrunk, Senders};
use crate::edge::config::cross;
use crate::edge::config::fields::{Fields, printable, variable};
use crate::edge::config::place::{Fault, Place, Source};
use crate::edge::config::raw::{self, Parsed, Table};
use crate::edge::config::read_flows::{self, Around};
use crate::edge::config::reading::{Reading, reason};
use crate::edge::config::shared;
use crate::protocol::sip::path::ListenerId;
use config::Source as _;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const DAEMON_FILE: &str = "offhook.toml";
pub const PROFILE_FILES: &str = "sip-profiles/*.toml";
pub const DIALPLAN_FILES: &str = "dialplans/**.toml";

/// Folders below `dialplans/` whose files are no dialplans.
const OTHER_FOLDERS: &[&str] = &["dialplans/flows", "dialplans/hours"];

/// Variables with our prefix that are no configuration keys.
const OTHER_VARIABLES: &[&str] = &["OFFHOOK_CONFIG", "OFFHOOK_SEED", "OFFHOOK_BLESS", "OFFHOOK_SOCKET"];

/// One file of `sip-profiles/`.
pub struct ProfileFile {
    pub profile: Profile,
    pub at: Place,
    pub enabled: bool,
    pub listeners: Vec<NamedListener>,
    pub trunks: Vec<NamedTrunk>,
    pub phones: Vec<NamedPhone>,
    /// Not all of it could be read, so that something missing proves nothing.
    pub damaged: bool,
}

/// The folder and the environment as one configuration, or all that is wrong with them (warnings among it).
pub fn read(dir: &Path, env: impl Iterator<Item = (String, String)>) -> Result<Configuration, Vec<Fault>> {
    let reading = Reading::new(dir.to_owned(), env.collect());
    let configuration = read_with(&reading);
    let faults = reading.faults();
    if faults.iter().any(Fault::is_error) {
        return Err(faults);
    }
    Ok(Configuration { warnings: faults, ..configuration })
}

/// Reads as much as can be read; the faults stay in `reading`.
pub fn read_with(reading: &Reading) -> Configuration {
    let mut digest = Sha256::new();
    let (daemon, admission) = read_daemon(reading, &mut digest);
    let (profile_files, dialplan_files) = (read_profiles(reading, &mut digest), read_dialplans(reading, &mut digest));
    let hours = read_flows::hours(reading, &mut digest);
    let prompts = read_flows::prompts(reading, &daemon, &mut digest);
    let queues = dialplan_files.iter().flat_map(|file| file.queues.queues.iter().map(|(name, _)| name.text.as_str()));
    let agents = dialplan_files.iter().flat_map(|file| file.queues.agents.iter().map(|(name, _)| name.text.as_str()));
    let engines = dialplan_files.iter().flat_map(|file| &file.engines).map(|(name, _)| name.text.as_str());
    let around = Around {
        daemon: &daemon,
        hours: &hours,
        prompts: prompts.as_ref(),
        queues: queues.collect(),
        agents: agents.collect(),
        engines: engines.collect(),
    };
    let flows = read_flows::flows(reading, around, &mut digest);
    cross::check(reading, &profile_files, &dialplan_files);
    convert_queue::check(reading, dialplan_files.iter().map(|file| &file.queues), &hours);
    cross::check_hours(reading, &dialplan_files, &hours);
    let flow_files = read_flows::files(reading);
    let flow_names: Vec<&str> = flow_files.iter().map(|file| stem(file)).collect();
    cross::check_flows(reading, &dialplan_files, (&flow_names, &flows));
    convert_queue::check_flows(reading, dialplan_files.iter().map(|file| &file.queues), (&flow_names, &flows));
    check_presence(reading, &profile_files);
    check_ops_socket(reading, daemon.ops_listen, &profile_files);
    check_readable_secrets(reading);
    let mut files = BTreeMap::new();
    for (path, bytes) in reading.named_files() {
        feed(&mut digest, &path.to_string_lossy(), &bytes);
        files.insert(path, short_hex(Sha256::digest(&bytes).as_slice()));
    }
    let hash = short_hex(digest.finalize().as_slice());
    let mut exchange = Exchange { admission, ..Exchange::default() };
    let mut profiles = Profiles::default();
    for file in profile_files.into_iter().filter(|file| file.enabled) {
        let own = u16::try_from(profiles.profiles.len()).unwrap_or(u16::MAX);
        for index in 0..u16::try_from(file.profile.listeners.len()).unwrap_or(u16::MAX) {
            profiles.listeners.push((own, index));
        }
        profiles.profiles.push(Arc::new(file.profile));
        exchange.trunks.extend(file.trunks.into_iter().filter_map(|one| one.trunk).map(Arc::new));
        exchange.phones.extend(file.phones.into_iter().filter_map(|one| one.phone).map(Arc::new));
    }
    exchange.profiles = Arc::new(profiles);
    let (dialplan, queues, engines) = merge(dialplan_files);
    exchange.engines = Arc::new(engines);
    exchange.dialplan = Arc::new(dialplan);
    exchange.queues = Arc::new(queues);
    exchange.hours = Arc::new(hours);
    exchange.flows = Arc::new(flows);
    let prompts = Arc::new(prompts.unwrap_or_default());
    exchange.prompts = prompts.to_prompts();
    let exchange = Arc::new(exchange);
    Configuration { folder: reading.folder.clone(), daemon, exchange, prompts, files, warnings: Vec::new(), hash }
}

fn merge(files: Vec<DialplanFile>) -> (Dialplan, Settings, Engines) {
    let mut dialplan = Dialplan { caller_ids: convert_outbound::caller_ids(&files), ..Dialplan::default() };
    let (mut queues, mut engines) = (Vec::new(), Vec::new());
    for file in files {
        engines.extend(file.engines.into_iter().map(|(_, engine)| engine));
        queues.push(file.queues);
        dialplan.guards.extend(file.guards.into_iter().map(|(_, guard)| guard));
        dialplan.accounts.extend(file.accounts.into_iter().map(|(_, account)| account));
        dialplan.rates.extend(file.rates);
        if let Some((_, outbound, _)) = file.outbound.into_iter().next() {
            dialplan.outbound = outbound;
        }
        dialplan.rules.extend(file.rules.into_iter().map(|(_, rule)| rule));
        dialplan.groups.extend(file.groups.into_iter().map(|(_, group)| group));
        dialplan.trunk_groups.extend(file.trunk_groups.into_iter().map(|(_, group)| group));
        dialplan.emergency.extend(file.emergency.into_iter().map(|(_, emergency)| emergency));
    }
    (dialplan, convert_queue::merge(queues.into_iter()), Engines::new(engines))
}

pub fn short_hex(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Length before content, so that no two sets of files have the same digest input.
pub fn feed(digest: &mut Sha256, name: &str, bytes: &[u8]) {
    for part in [name.as_bytes(), bytes] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
}

/// One file as a tree. `None` if it cannot be read at all.
pub fn load(reading: &Reading, relative: &str, digest: &mut Sha256) -> Option<(usize, Table, bool)> {
    let path = reading.folder.join(relative);
    let name = path.display().to_string();
    let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let meant = "name the folder that holds it with --config".to_owned();
            let suggestion = (relative == DAEMON_FILE && error.kind() == std::io::ErrorKind::NotFound).then_some(meant);
            reading.fault(Fault { suggestion, ..Fault::of_file(name, format!("cannot read: {}", reason(&error))) });
            return None;
        }
    };
    feed(digest, relative, text.as_bytes());
    let index = reading.add_source(Source { name, text: text.clone(), is_variable: false });
    let Parsed { table, breaches } = raw::parse(index, &text);
    let damaged = !breaches.is_empty();
    if damaged {
        reading.note_damaged(index);
        tell_breaches(reading, (&text, &table), breaches);
    }
    Some((index, table, damaged))
}

/// The first breach of each line: further ones there are consequences.
fn tell_breaches(reading: &Reading, (text, table): (&str, &Table), breaches: Vec<(Place, String)>) {
    let mut last_line = usize::MAX;
    for (at, problem) in breaches {
        let line = text.bytes().take(at.start).filter(|byte| *byte == b'\n').count();
        if line == last_line {
            continue;
        }
        last_line = line;
        let key = text.get(at.start..at.end).unwrap_or_default();
        let first = table.find_before(key, at.start).filter(|_| problem == "duplicate key");
        let problem = match first {
            Some(first) => format!("key `{}` is there twice: first at {}", printable(key), reading.place(first)),
            None => format!("not TOML: {problem}"),
        };
        reading.error(at, "", problem, None);
    }
}

fn read_daemon(
    reading: &Reading,
    digest: &mut Sha256,
) -> (crate::edge::config::Daemon, crate::domain::switchboard::interface::AdmissionPolicy) {
    let (index, mut table) = match load(reading, DAEMON_FILE, digest) {
        Some((index, table, _)) => (index, table),
        None => {
            let name = reading.folder.join(DAEMON_FILE).display().to_string();
            (reading.add_source(Source { name, text: String::new(), is_variable: false }), Table::default())
        }
    };
    overlay_environment(reading, &mut table, digest);
    convert_daemon::daemon(Fields::root(reading, &table, index, DAEMON_FILE))
}

/// `OFFHOOK_LOG__LEVEL=debug` is the key `log.level`. A wrong one is told like a wrong key.
fn overlay_environment(reading: &Reading, table: &mut Table, digest: &mut Sha256) {
    let own = reading.environment.iter().filter(|(name, _)| {
        name.starts_with("OFFHOOK_") && !OTHER_VARIABLES.contains(&name.as_str()) && !name.starts_with("OFFHOOK_TEST")
    });
    let source = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    let layer = config::Environment::with_prefix("OFFHOOK").prefix_separator("_").separator("__").source(Some(source));
    let Ok(values) = layer.collect() else { return };
    let mut values: Vec<(String, String)> =
        values.into_iter().filter_map(|(key, value)| Some((key, value.into_string().ok()?))).collect();
    values.sort();
    for (key, text) in values {
        let variable = variable(&key);
        feed(digest, &variable, text.as_bytes());
        let end = text.len();
        let name = format!("environment variable {variable}");
        let source = reading.add_source(Source { name, text: text.clone(), is_variable: true });
        let at = Place { source, start: 0, end };
        if let Err(path) = table.overlay(&key, at, &text) {
            reading.error(at, &path, format!("`{}` is no table", printable(&path)), None);
        }
    }
}

fn read_profiles(reading: &Reading, digest: &mut Sha256) -> Vec<ProfileFile> {
    let mut files = Vec::new();
    let mut next = 0_u16;
    for relative in toml_files(reading, "sip-profiles", false) {
        let Some((index, table, damaged)) = load(reading, &relative, digest) else { continue };
        let fields = Fields::root(reading, &table, index, PROFILE_FILES);
        files.push(read_profile(fields, (stem(&relative), damaged), &mut next));
    }
    files
}

fn read_profile(fields: Fields<'_>, (stem, damaged): (&str, bool), next: &mut u16) -> ProfileFile {
    let (mut profile, enabled, at) = convert_profile::profile(fields.table("profile"), stem);
    fields.reading.set_dormant(!enabled);
    let written = fields.tables("listener");
    let count = written.len();
    let mut listeners: Vec<NamedListener> =
        written.into_iter().filter_map(|one| convert_profile::listener(one)).collect();
    for one in listeners.iter_mut().filter(|_| enabled) {
        one.listener.id = ListenerId(*next);
        *next = next.saturating_add(1);
    }
    let senders =
        Senders { profile: &profile.name, listeners: &listeners, incomplete: damaged || listeners.len() < count };
    let (trunk_tables, phone_tables) = (fields.tables("trunk"), fields.tables("phone"));
    let tables = trunk_tables.len() + phone_tables.len();
    let trunks: Vec<_> = trunk_tables.into_iter().filter_map(|one| convert_trunk::trunk(one, &senders)).collect();
    let phones = phone_tables.into_iter();
    let phones: Vec<_> = phones.filter_map(|one| convert_phone::phone(one, &profile.name, &profile.realm)).collect();
    let damaged = damaged || trunks.len() + phones.len() < tables;
    fields.reading.set_dormant(false);
    let mistyped = fields.has("listener") && !fields.is_list("listener");
    if count == 0 && !damaged && !mistyped {
        let meant = Some("add a [[listener]] with `transport` and `bind`".to_owned());
        fields.reading.error(fields.at, "listener", "a profile needs a listener", meant);
    }
    if enabled {
        check_audio(&fields, &profile, &listeners, (&trunks, &phones));
    }
    fields.finish();
    profile.listeners = listeners.iter().map(|one| -> Listener { one.listener.clone() }).collect();
    ProfileFile { profile, at, enabled, listeners, trunks, phones, damaged }
}

/// Who sends us audio has to be told an address, and a name in `advertise` is none.
fn check_audio(
    fields: &Fields<'_>,
    profile: &Profile,
    listeners: &[NamedListener],
    (trunks, phones): (&[NamedTrunk], &[NamedPhone]),
) {
    let trunks = trunks.iter().filter_map(|one| one.trunk.as_ref()).map(|trunk| trunk.media);
    let phones = phones.iter().filter_map(|one| one.phone.as_ref()).map(|phone| phone.media);
    if !trunks.chain(phones).any(|media| media.route != MediaRoute::Pass) {
        return;
    }
    // Where no name stands either, that has been told already.
    let is_named = |one: &&NamedListener| shared::is_name(&one.listener.advertised_host);
    for one in listeners.iter().filter(is_named).filter(|one| profile.media_place(&one.listener).1.is_none()) {
        let meant = Some("add `media_address` to [profile]".to_owned());
        fields.reading.error(one.at, &one.path, "audio beside this listener has no address to be sent to", meant);
    }
}

/// The name of a file without its folder and extension.
pub fn stem(relative: &str) -> &str {
    Path::new(relative).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

fn read_dialplans(reading: &Reading, digest: &mut Sha256) -> Vec<DialplanFile> {
    let mut files = Vec::new();
    let is_own = |relative: &String| !OTHER_FOLDERS.iter().any(|folder| Path::new(relative).starts_with(folder));
    for relative in toml_files(reading, "dialplans", true).into_iter().filter(is_own) {
        let Some((index, table, _)) = load(reading, &relative, digest) else { continue };
        files.push(convert_dialplan::dialplan(Fields::root(reading, &table, index, DIALPLAN_FILES)));
    }
    files
}

/// Relative paths of the `.toml` files of a folder, sorted; with the folders below it where wanted.
pub fn toml_files(reading: &Reading, folder: &str, deep: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(relative) = folders.pop() {
        let path = reading.folder.join(&relative);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                let name = path.display().to_string();
                reading.fault(Fault::of_file(name, format!("cannot list the folder: {}", reason(&error))));
                continue;
            }
        };
        for entry in entries.flatten() {
            let below = relative.join(entry.file_name());
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if deep && !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(below);
            } else if !hidden && below.extension().is_some_and(|extension| extension == "toml") {
                found.push(below.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

fn check_presence(reading: &Reading, profiles: &[ProfileFile]) {
    if profiles.iter().any(|file| file.enabled) {
        return;
    }
    let folder = reading.folder.join("sip-profiles").display().to_string();
    let problem = if profiles.is_empty() {
        "no profile is there, so nothing would listen"
    } else {
        "every profile is switched off, so nothing would listen"
    };
    reading.fault(Fault::of_file(folder, problem));
}

fn check_ops_socket(reading: &Reading, ops: Option<std::net::SocketAddr>, profiles: &[ProfileFile]) {
    let Some(ops) = ops else { return };
    let streams = profiles.iter().filter(|file| file.enabled).flat_map(|file| &file.listeners);
    for one in streams.filter(|one| one.listener.transport.is_reliable()) {
        if cross::overlap(ops, one.listener.bind) {
            let problem = format!("{} is bound twice (tcp): also by `ops.listen` of {DAEMON_FILE}", one.listener.bind);
            reading.error(one.at, &one.path, problem, None);
        }
    }
}

/// A file that everybody on the machine can read should hold no password.
fn check_readable_secrets(reading: &Reading) {
    use std::os::unix::fs::PermissionsExt;
    for index in reading.secret_sources() {
        let Some(name) = reading.source(index).map(|source| source.name.clone()) else { continue };
        let Ok(metadata) = std::fs::metadata(&name) else { continue };
        if metadata.permissions().mode() & 0o004 != 0 {
            let warning = Fault::of_file(name.clone(), "holds passwords and can be read by everybody on this machine");
            let suggestion = Some(format!("chmod o-r {name}, or use `password_file`"));
            reading.fault(Fault { severity: crate::edge::config::place::Severity::Warning, suggestion, ..warning });
        }
    }
}
