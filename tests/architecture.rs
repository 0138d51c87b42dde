//! What must not know what: the arrows between the crates, and the purity of the cores.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every crate with the ones that it may depend on, ARCHITECTURE.md's table in code.
const ARROWS: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("strategy", &["model"]),
    ("binance", &["model"]),
    ("lake", &["model"]),
    ("report", &["model"]),
    ("simulator", &["model", "strategy"]),
    ("ingest", &["model", "binance", "lake"]),
    ("exchange", &["model", "binance", "lake", "simulator"]),
    ("live", &["model", "binance", "strategy", "simulator"]),
    ("conformance", &["model", "simulator"]),
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn arrows_point_one_way() {
    for (name, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let dependencies = manifest["dependencies"].as_table().unwrap();
        let used: BTreeSet<_> = dependencies.keys().filter_map(|k| k.strip_prefix("candlewick-")).collect();
        let allowed: BTreeSet<_> = allowed.iter().copied().collect();
        let beyond: Vec<_> = used.difference(&allowed).collect();
        assert!(beyond.is_empty(), "{name} must not depend on {beyond:?}");
    }
}

#[test]
fn every_crate_has_its_arrows() {
    let mut folders: Vec<_> =
        std::fs::read_dir(crates()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    folders.retain(|name| name != "cli");
    folders.sort();
    let mut named: Vec<_> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    named.sort();
    assert_eq!(folders, named);
}

/// Cores are functions of what they are given.
#[test]
fn cores_know_no_clock_no_files_and_no_threads() {
    let banned = [
        "std::fs",
        "std::net",
        "std::thread",
        "std::process",
        "SystemTime",
        "Instant::now",
        "HashMap",
        "HashSet",
        "tokio",
        "async fn",
    ];
    for name in ["model", "strategy", "simulator"] {
        for file in sources(&crates().join(name).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            for (line, word) in lines.flat_map(|line| banned.map(|word| (line, word))) {
                assert!(!line.contains(word), "{}: `{word}` in: {line}", file.display());
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files
}
