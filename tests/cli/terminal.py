"""The REPL at a terminal: terminal.py PROGRAM.  A pseudo terminal takes the part of a person."""
import os
import pty
import re
import select
import subprocess
import sys
import time

passed = failed = 0


class Session:
    def __init__(self, *options):
        self.parent, child = pty.openpty()
        self.process = subprocess.Popen([sys.argv[1], '--repl', *options], stdin=child, stdout=child, stderr=child,
                                        start_new_session=True, preexec_fn=lambda: __import__('fcntl').ioctl(0, 0x540E, 0))
        os.close(child)
        self.seen = ''
        self.wait(r'metta> ')

    def wait(self, pattern, seconds=30):
        """Read until what came since the last call matches; that is taken off."""
        end = time.time() + seconds
        while True:
            plain = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', self.seen)
            found = re.search(pattern, plain)
            if found:
                self.seen = plain[found.end():]
                return plain[:found.end()]
            if time.time() > end or not select.select([self.parent], [], [], 0.2)[0] and self.process.poll() is not None:
                return None
            if select.select([self.parent], [], [], 0)[0]:
                try:
                    self.seen += os.read(self.parent, 65536).decode('utf-8', 'replace')
                except OSError:
                    return None

    def send(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.parent, data[:512]):]

    def end(self):
        self.send('\r:quit\r')
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        os.close(self.parent)


def check(name, condition):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print('failed: ' + name)


os.environ['METTATRON_HISTORY'] = os.path.abspath('history')
os.environ['TERM'] = 'vt100'
s = Session()
s.send('!(+ 1\r')
check('a form that goes on asks for more', s.wait(r'\.\.\.> '))
s.send('   2)\r')
check('it is one form', s.wait(r'\[3\]'))
s.send('!(car-at\t(a b))\r')
check('a name is completed', s.wait(r'\[a\]'))
s.send('(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))\r!(fib 10)\r')
check('a definition and its use', s.wait(r'\[55\]'))
s.send(':log mettatron::backend::eval=trace\r!(fib 1)\r')
check('the log is turned on', s.wait(r'reduce.*fib 1'))
s.send(':log error\r!(+ 20 22)\r')
check('and off', s.wait(r'\[42\]'))
s.send(''.join('(= (row %d) %d)\r' % (i, i * i) for i in range(200)) + '!(row 199)\r')
check('200 lines are pasted', s.wait(r'\[39601\]'))
s.send(':history (fib $x)\r')
lines = s.wait(r'(?s)!\(fib 10\).*metta> ')
check('the history knows patterns', lines and '!(fib 1)' in lines and '(row' not in lines.split(':history (fib $x)')[-1])
s.send('(= (spin $n) (spin (+ $n 1)))\r!(spin 0)\r')
s.wait(r'!\(spin 0\)')
time.sleep(0.5)
s.send('\x03')
check('Ctrl-C opens the prompt', s.wait(r'Paused.*\n(.*\n)*.*\(debug\) '))
s.send('bt 1\r')
check('it shows what is at work', s.wait(r'spin'))
s.send('q\r')
check('q comes back', s.wait(r'metta> '))
s.send('!(* 6 7)\r')
check('and the REPL goes on', s.wait(r'\[42\]'))
s.end()
s = Session()
s.send('\x1b[A\x1b[A\r')
check('the history is kept', s.wait(r'\[42\]'))
s.end()
print('%d passed, %d failed' % (passed, failed))
sys.exit(failed > 0)
