module a.b/c
future a'b c"d e`f, [g] {h} => := == % $
