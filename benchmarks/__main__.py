"""`python -m benchmarks` is `python -m benchmarks.run`, then `python -m benchmarks.textures`."""

from benchmarks import run, textures

if __name__ == "__main__":
    run.main()
    textures.main([])
