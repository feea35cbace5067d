//! Nothing: Cargo fetches the sources of uWebSockets, and CMake compiles them.
