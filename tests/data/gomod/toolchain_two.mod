module a.b/c
toolchain go1.21.0
toolchain go1.21.1
