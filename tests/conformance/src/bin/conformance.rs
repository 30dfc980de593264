//! `conformance SUITE [MODULE]`: runs the suite, and again through the Wasm module; prints counts for each file.
//!
//! Fails when a test fails that is not among the exceptions, or one passes that is.

#[cfg(not(target_family = "wasm"))]
fn main() -> anyhow::Result<()> {
    native::main()
}

#[cfg(target_family = "wasm")]
fn main() {}

#[cfg(not(target_family = "wasm"))]
mod native {
    use std::fmt::Write as _;
    use std::path::PathBuf;

    use anyhow::{Context, Result, bail};
    use cutover_conformance::{exceptions, suite, verdict, wasm};

    const EXCEPTIONS: &str = include_str!("../../exceptions.txt");

    /// What became of the tests.
    #[derive(Default)]
    struct Run {
        /// For the module: what it is to read, and what it should say.
        input: String,
        expected: Vec<bool>,
        surprises: Vec<String>,
        excepted: usize,
    }

    pub(super) fn main() -> Result<()> {
        let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
        let folder = arguments.next().context("usage: conformance SUITE [MODULE]")?;
        let known = suite::documents(&folder)?;
        let exceptions = exceptions::parse(EXCEPTIONS)?;
        let mut used = vec![false; exceptions.len()];
        let mut run = Run::default();
        let (mut passed, mut total) = (0, 0);
        for file in suite::files(&folder)? {
            let (good, all) = run.file(&file, &known, &exceptions, &mut used)?;
            println!("{:<42} {good:>5} of {all:>5}", file.name);
            (passed, total) = (passed + good, total + all);
        }
        println!("natively: {passed} of {total} tests pass, {} exceptions", run.excepted);
        for (exception, _) in exceptions.iter().zip(&used).filter(|(_, used)| !**used) {
            run.surprises.push(format!("an exception that no test needs: {exception}"));
        }
        if let Some(module) = arguments.next() {
            let verdicts = wasm::verdicts(&module, run.input)?;
            let same = verdicts.iter().zip(&run.expected).filter(|(one, other)| one == other).count();
            println!("as Wasm: {same} of {} instances get the native verdict", run.expected.len());
            if same != run.expected.len() || verdicts.len() != run.expected.len() {
                run.surprises.push("the Wasm module says something else".to_owned());
            }
        }
        if run.surprises.is_empty() { Ok(()) } else { bail!("{}", run.surprises.join("\n")) }
    }

    impl Run {
        /// How many of the file's tests pass, and how many there are.
        fn file(
            &mut self,
            file: &suite::File,
            known: &[(String, cutover_compiler::document::Node)],
            exceptions: &[exceptions::Exception],
            used: &mut [bool],
        ) -> Result<(usize, usize)> {
            let (mut good, mut all) = (0, 0);
            for group in &file.groups {
                let compiled = file.compile(group, known);
                if let Ok(compiled) = &compiled {
                    writeln!(self.input, "S {} {}", compiled.root, serde_json::to_string(&compiled.tables)?)?;
                }
                for test in &group.tests {
                    all += 1;
                    let instance = test.data.get().replace(['\n', '\r'], " ");
                    let found = match &compiled {
                        Ok(compiled) => {
                            let found = verdict(&compiled.tables, compiled.root, &instance);
                            if let Ok(found) = &found {
                                writeln!(self.input, "I {instance}")?;
                                self.expected.push(*found);
                            }
                            found
                        }
                        Err(mistakes) => Err(mistakes.clone()),
                    };
                    let passes = found == Ok(test.valid);
                    good += usize::from(passes);
                    let exception = exceptions.iter().position(|exception| {
                        exception.means(&file.name, &group.description, &test.description)
                    });
                    let name = format!("{} | {} | {}", file.name, group.description, test.description);
                    match exception {
                        Some(_) if passes => self.surprises.push(format!("passes, though excepted: {name}")),
                        Some(at) => {
                            self.excepted += 1;
                            used.iter_mut().skip(at).take(1).for_each(|used| *used = true);
                        }
                        None if !passes => self.surprises.push(format!("{name}: {found:?}")),
                        None => {}
                    }
                }
            }
            Ok((good, all))
        }
    }
}
