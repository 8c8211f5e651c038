return await Livebook.Web.Cli.CommandLine.RunAsync(args);
