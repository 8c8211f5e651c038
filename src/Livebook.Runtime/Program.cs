using Livebook.Runtime;
using Livebook.Runtime.Capture;
using Livebook.Runtime.Connection;
using Livebook.Runtime.Host;

Globalization.Choose();
if (StartArguments.Parse(args) is not { } start)
{
    Console.Error.WriteLine("usage: livebook-runtime --socket PATH, with the key on the first line of standard input");
    return 2;
}
OwnProcess.Close();
if (start.Hidden is { } hidden)
    OwnProcess.Hide(hidden, start.Shown, args);
var key = StandardInput.TakeKey();
ProcessGroup.Lead();
ConsoleColors.Allow();
StartArguments.CleanEnvironment();
AppDomain.CurrentDomain.ProcessExit += (_, _) => ProcessGroup.KillChildren();
using var server = new RuntimeServer();
await server.RunAsync(start.Socket, key, start.Patience);
return 0;
