go 1.20
require d.e/f v1.0.0
