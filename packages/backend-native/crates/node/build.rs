//! Tells the linker that Node-API symbols are resolved at load time.

fn main() {
    napi_build::setup();
}
