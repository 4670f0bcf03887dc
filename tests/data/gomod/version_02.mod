module a.b/c

require d.e/a v01.2.3
