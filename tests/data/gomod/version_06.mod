module a.b/c

require d.e/a master
