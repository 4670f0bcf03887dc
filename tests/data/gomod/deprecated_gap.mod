// Deprecated: no

module a.b/c
