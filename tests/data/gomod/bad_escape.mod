module a.b/c
require "d.e/\q" v1.0.0
