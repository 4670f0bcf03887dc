module a.b/c
future `x y` `a\`
require d.e/f v1.0.0
