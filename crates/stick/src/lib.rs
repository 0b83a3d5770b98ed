//! From a Windows image to a bootable stick: spec, plan, apply, verify.
