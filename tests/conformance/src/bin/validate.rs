//! The validator as a command: reads schemas and instances from its input and prints a verdict for each instance.
//!
//! A line `S` brings tables and ends with the schema's number; a line `I` an instance for the last of them.

use std::io::{self, BufRead, Write};

use cutover_conformance::verdict;
use cutover_plan::schema::{SchemaId, Tables};

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    let mut loaded: Option<(Tables, SchemaId)> = None;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (kind, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match (kind, &loaded) {
            ("S", _) => loaded = Some(load(rest).map_err(io::Error::other)?),
            ("I", Some((tables, root))) => {
                let valid = verdict(tables, *root, rest).map_err(io::Error::other)?;
                writeln!(output, "{}", if valid { "valid" } else { "invalid" })?;
            }
            _ => return Err(io::Error::other(format!("neither a schema nor an instance: {line}"))),
        }
    }
    Ok(())
}

fn load(text: &str) -> Result<(Tables, SchemaId), String> {
    let (root, tables) = text.split_once(' ').ok_or("no schema number")?;
    let root = root.parse().map_err(|_| "no schema number")?;
    Ok((Tables::from_json(tables.as_bytes()).map_err(|error| error.to_string())?, root))
}
