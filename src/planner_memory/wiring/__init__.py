"""The only place that names a concrete adapter: settings in, services out. `home` is light, the others bring every library."""
