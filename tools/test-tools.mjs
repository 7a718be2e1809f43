// Programs that only tests use. Where this user may install Debian packages (root, or sudo without a password), the missing
// ones are installed; otherwise one line says what is missing and which tests will be skipped. Never fatal.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const TOOLS = [
  { package: 'chromium', program: 'chromium', tests: 'window in Chromium' },
  { package: 'gcc-arm-none-eabi', program: 'arm-none-eabi-gcc', tests: 'rebuild of the board firmware' },
  {
    package: 'libnewlib-arm-none-eabi',
    file: '/usr/lib/arm-none-eabi/include/stdio.h',
    tests: 'rebuild of the board firmware',
  },
  { package: 'clang', program: 'clang', tests: 'rebuild of the host core' },
  { package: 'lld', program: 'wasm-ld', tests: 'rebuild of the host core' },
  { package: 'sigrok-cli', program: 'sigrok-cli', tests: 'supplies through sigrok' },
  { package: 'stm32flash', program: 'stm32flash', tests: 'STM32 flashing' },
  { package: 'socat', program: 'socat', tests: 'serial ports over pseudo-terminals' },
];
const LONGEST_INSTALL_MILLISECONDS = 15 * 60_000;

/** Installs what is missing where it may, else says so. BROWNOUT_INSTALL_TEST_TOOLS=no keeps it from installing. */
export function provideTestTools() {
  const wanted = missingTools();
  if (wanted.length === 0) {
    return;
  }
  const prefix = installPrefix();
  if (prefix !== null) {
    console.log(`test tools: installing ${packages(wanted).join(' ')}`);
    install(prefix, packages(wanted));
  }
  const missing = missingTools();
  if (missing.length > 0) {
    const tests = [...new Set(missing.map((tool) => tool.tests))].join(', ');
    const names = packages(missing).join(' ');
    console.log(`test tools: missing ${names}; tests of these parts will be skipped: ${tests}`);
  }
}

function packages(tools) {
  return tools.map((tool) => tool.package);
}

function missingTools() {
  return TOOLS.filter((tool) => !(tool.file ? existsSync(tool.file) : onPath(tool.program)));
}

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What to put before apt-get: nothing for root, sudo where it asks for no password, null where neither is possible. */
function installPrefix() {
  if (process.env.BROWNOUT_INSTALL_TEST_TOOLS === 'no' || !onPath('apt-get')) {
    return null;
  }
  if (process.getuid?.() === 0) {
    return [];
  }
  const sudo = ['sudo', '-n'];
  return onPath('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? sudo : null;
}

/** All at once; one by one where that fails, so that one package that a mirror lacks does not cost the others. */
function install(prefix, names) {
  apt(prefix, 'update');
  if (apt(prefix, 'install', '--yes', '--no-install-recommends', ...names) !== 0 && names.length > 1) {
    for (const name of names) {
      apt(prefix, 'install', '--yes', '--no-install-recommends', name);
    }
  }
}

function apt(prefix, ...parameters) {
  // The variable goes through `env`, because sudo drops what this process would pass on.
  const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq'];
  const patience = [
    '-o',
    'Acquire::Retries=1',
    '-o',
    'Acquire::http::Timeout=20',
    '-o',
    'DPkg::Lock::Timeout=60',
  ];
  return spawnSync(command, [...rest, ...patience, ...parameters], {
    stdio: 'ignore',
    timeout: LONGEST_INSTALL_MILLISECONDS,
  }).status;
}
