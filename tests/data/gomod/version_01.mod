module a.b/c

require d.e/a v1.2.3.4
