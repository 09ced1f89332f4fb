//! What a client may send as a body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pontoon_api_types::{
    ApiVersion, ConnectRequest, CreateNetworkRequest, CreateSandboxRequest, DisconnectRequest, SetPortsRequest, decode,
};

fuzz_target!(|body: &[u8]| {
    if let Ok(request) = decode::<CreateNetworkRequest>(body) {
        let _ = request.into_spec(ApiVersion::MAX);
    }
    if let Ok(request) = decode::<CreateSandboxRequest>(body) {
        let _ = request.into_spec();
    }
    if let Ok(request) = decode::<SetPortsRequest>(body) {
        let _ = request.into_bindings();
    }
    let _ = decode::<ConnectRequest>(body);
    let _ = decode::<DisconnectRequest>(body);
});
