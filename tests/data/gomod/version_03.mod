module a.b/c

require d.e/a v2.0.0
