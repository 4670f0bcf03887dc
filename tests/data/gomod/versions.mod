module a.b/c
require d.e/a v1
require d.e/b v1.2
require d.e/c v1.2.3-pre.1+meta.2
require d.e/d v2.0.0+incompatible
require d.e/e/v2 v2
require gopkg.in/f.v1 v0.0.0-20161208181325-20d25e280405
require gopkg.in/g.v2-unstable v2.0.0
require d.e/h v0.0.0-20161208181325-20d25e280405
require d.e/i v99999999999999999999.0.0+incompatible
