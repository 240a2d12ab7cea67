# Short names for what the scripts do; ./run and ./check work without make.

all:
	@tools/packages run
	@tools/build release

run: ; @./run $(FILE)
check: ; @./check
debug asan tsan stress fuzz: ; @tools/build $@

bench: all
	@bench/run

format:
	clang-format-19 -i $$(tools/check-format --list)

docs: all
	@tools/mkdocs

install: all
	meson install -C build/release

clean:
	rm -rf build

.PHONY: all run check debug asan tsan stress fuzz bench format docs install clean
