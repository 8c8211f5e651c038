using System.Runtime.InteropServices;
using Livebook.FakeRuntime;

// The behaviour at the start comes as first argument, from a script that the test makes; the rest is what the server gives.
if (!OperatingSystem.IsWindows())
    _ = NewSession();
var mode = args[0];
var socket = args[Array.IndexOf(args, "--socket") + 1];
var key = await Console.In.ReadLineAsync();
switch (mode)
{
    case "exit":
        await Console.Error.WriteLineAsync("last words");
        return 7;
    case "silent":
        await Task.Delay(Timeout.Infinite);
        return 0;
    default:
        await new Conversation(mode, key!, args[1..]).ListenAsync(socket);
        return 0;
}

[DllImport("libc", EntryPoint = "setsid")]
static extern int NewSession();
