//! Records the case list against a gateway.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};

use crate::case::Case;
use crate::exchange::{Target, run, tidy};
use crate::har::{Entry, Har, Response};

/// Runs every case and writes down what came back.
///
/// # Errors
/// When the gateway or an upstream does not answer, when two cases have one name, or when a case is answered with another
/// status than its list says: then either the gateway or the list is wrong, and neither may be written down as the truth.
pub async fn record(cases: &[Case], target: &Target) -> Result<Har> {
    let mut names = BTreeSet::new();
    if let Some(twice) = cases.iter().find(|case| !names.insert(&case.name)) {
        bail!("two cases are called `{}`", twice.name);
    }
    let (mut entries, mut wrong) = (Vec::new(), Vec::new());
    tidy(target).await?;
    for case in cases {
        let request = case.request();
        let observed = run(target, &case.faults, &request).await.with_context(|| case.name.clone())?;
        let Response { status, content, .. } = &observed.response;
        if *status != case.status {
            let body: String = content.text.chars().take(200).collect();
            wrong.push(format!("{}: expected status {}, got {status}: {body}", case.name, case.status));
        }
        let mut entry =
            Entry::new(&case.name, case.operation, case.faults.clone(), request, observed.response);
        entry.side = Some(observed.side.unwrap_or_else(|| "node".to_owned()));
        entry.upstream = observed.upstream;
        entries.push(entry);
    }
    tidy(target).await?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(Har::new(entries))
}
