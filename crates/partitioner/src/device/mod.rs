//! Block devices on Linux: what there is, what may be written, and opening a target only after the policy said
//! yes on the open descriptor.
//!
//! Every function that looks at the machine takes a [`Host`], so tests look at a folder that has the same files.

mod durable;
mod host;
mod model;
mod parse;
mod policy;
mod request;
mod reread;
mod target;

pub use host::Host;
pub use model::{Device, DeviceKind, Mount, Transport};
pub use parse::{DeviceNumber, MountLine, parse_mountinfo, parse_swaps, printable, udev_property};
pub use policy::{Request, check, check_name, check_safe};
pub use request::{DeviceRequest, FileRequest, check_target_device, check_target_file};
pub use target::Target;
