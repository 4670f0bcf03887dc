module a.b/c

require d.e/a/v2 v1.0.0
