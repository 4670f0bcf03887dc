module a.b/c

require gopkg.in/a.v2 v2.0.0+incompatible
