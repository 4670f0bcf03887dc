module a.b/c

require d.e/a v1.0.0-
