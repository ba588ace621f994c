//! The `offhook` program: hands its arguments to `cli` and exits with the code that comes back.

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    offhook::cli::run()
}
