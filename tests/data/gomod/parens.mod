module a.b/c
future ( a ) b ( ) c
) x
