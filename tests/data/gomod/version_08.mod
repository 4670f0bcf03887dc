module a.b/c

require gopkg.in/a v1.0.0
