"""One application per service, each in a module of its own, so that a process loads only what it serves; and the four on one port."""
