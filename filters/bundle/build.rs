//! Linker arguments of the module.

fn main() {
    // The compiler leaves room for five bytes at each reference to a function or an address, of which one to three are
    // needed; this takes the rest out, a tenth of the module.
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=--compress-relocations");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
