module gwtool.invalid/gate

go 1.13
