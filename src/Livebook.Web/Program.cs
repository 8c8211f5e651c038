Livebook.Web.Startup.ServerProcess.Close();
return await Livebook.Web.Cli.CommandLine.RunAsync(args);
