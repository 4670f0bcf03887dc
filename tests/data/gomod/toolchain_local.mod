module a.b/c
toolchain local
