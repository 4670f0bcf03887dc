module a.b/c
toolchain default
