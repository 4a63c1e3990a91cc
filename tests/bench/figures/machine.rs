//! What the figures were taken on.

use std::path::Path;

use crate::row;

/// Prints cores, memory and processor.
pub fn describe() {
    let cores =
        std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |cores| cores.to_string());
    let memory = field("/proc/meminfo", "MemTotal").and_then(|text| {
        let kib: f64 = text.strip_suffix("kB")?.trim().parse().ok()?;
        Some(format!("{:.1} GiB", kib / 1024.0 / 1024.0))
    });
    let or_unknown = |what: Option<String>| what.unwrap_or_else(|| "not known on this system".into());
    row("machine", &format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH));
    row("cores", &cores);
    row("memory", &or_unknown(memory));
    row("processor", &or_unknown(field("/proc/cpuinfo", "model name")));
}

/// The value of a line `name: value` of one of the kernel's files.
pub fn field(path: impl AsRef<Path>, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}
