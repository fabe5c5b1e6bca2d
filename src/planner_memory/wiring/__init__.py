"""The only place that names a concrete adapter: settings in, services out. `home` is light, `services` brings every library."""
