// This is Deprecated: no
module a.b/c
